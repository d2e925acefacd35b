/** Agents of tests with a running manager. */
import { enroll, TestAgent } from "#testing/agent.ts";
import { LOOPBACK, type TestHome } from "./home.ts";

/** Enrolled and connected; the caller drops it. */
export async function connectedAgent(home: TestHome, name = "web1"): Promise<TestAgent> {
  const identity = await enroll({ host: LOOPBACK, port: home.enrollmentPort, name });
  const agent = new TestAgent({ host: LOOPBACK, port: home.agentPort, identity });
  await agent.connect();
  return agent;
}
