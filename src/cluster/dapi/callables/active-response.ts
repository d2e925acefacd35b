/** Active responses on agents. wazuh v4.14.7: framework/wazuh/active_response.py. */

import { agentList } from "../agents-seen.ts";
import { apiError } from "../answers.ts";
import { type ApiCallable, ApiRefusal, apiCallable } from "../callable.ts";
import type { AgentWorld } from "../world.ts";
import { sentMessages, tellAgents } from "./agent-changes.ts";

export function activeResponseCallables(world: AgentWorld): readonly ApiCallable[] {
  return [
    apiCallable({
      name: "wazuh.active_response.run_command",
      action: "active-response:command",
      place: "anywhere",
      forNodes: false,
      parse: (values) => ({
        ids: agentList(values),
        command: values.text("command"),
        args: values.texts("arguments") ?? [],
        alert: values.object("alert") ?? {},
      }),
      run: async ({ ids, command, args, alert }, caller) => {
        if (command === null || command === "") throw new ApiRefusal(apiError(1650));
        if (!world.knowsResponse(command)) throw new ApiRefusal(apiError(1652));
        return await tellAgents(world, caller, {
          ids,
          action: "active-response:command",
          messages: sentMessages("AR command"),
          act: (id) => world.respond(id, { command, arguments: args, alert }),
        });
      },
    }),
  ];
}
