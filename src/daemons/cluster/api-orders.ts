/** What functions of the API tell the execd of agents. wazuh v4.14.7: framework/wazuh/core/active_response.py, core/wazuh_queue.py. Pure. */
import type { ResponseOrder } from "#cluster/dapi/world.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { EXECD_PREFIX } from "#response/delivery.ts";
import { type MessageForm, oneLine, shellEscape } from "#response/message.ts";

/** It is not answered: an agent that hears it begins anew. */
export function restartMessage(form: MessageForm): string {
  const command = form === "text" ? "restart-ossec0" : "restart-wazuh0";
  return orderMessage(form, { command, arguments: [], alert: {} }, { module: "framework" });
}

export function responseOrderMessage(form: MessageForm, order: ResponseOrder, nodeName: string): string {
  return orderMessage(form, order, { name: nodeName, module: "API" });
}

function orderMessage(
  form: MessageForm,
  { command, arguments: args, alert }: ResponseOrder,
  origin: JsonObject,
): string {
  if (form === "text") {
    const words = args.length === 0 ? "- -" : args.map(shellEscape).join(" ");
    return EXECD_PREFIX + oneLine(`${command} ${words}`);
  }
  return EXECD_PREFIX + pythonJson({ version: 1, origin, command, parameters: { extra_args: args, alert } });
}
