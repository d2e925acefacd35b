/**
 * Goal: behind HAProxy a node that dies costs no event and its agents little time. Method: the files of deploy/haproxy in a real HAProxy
 * before three managers; with the PROXY protocol as well.
 */
import { test } from "node:test";
import { Balancer, NO_HAPROXY } from "./balancers.ts";
import { nodeDies } from "./node-death.ts";

test(
  "behind HAProxy a node dies: its agents go on elsewhere and every event is an alert",
  { skip: NO_HAPROXY },
  (t) =>
    nodeDies(t, { balancer: (directory, network) => Balancer.haproxy(directory, network), agentsEachMin: 2 }),
);
