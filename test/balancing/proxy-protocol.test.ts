/**
 * Goal: behind HAProxy with the PROXY protocol agents have keys for their own addresses, and keep them when their node dies. Method: as
 * haproxy.test.ts, with `send-proxy-v2` and managers that believe it.
 */
import { test } from "node:test";
import { Balancer, NO_HAPROXY } from "./balancers.ts";
import { nodeDies } from "./node-death.ts";

/** HAProxy's own connections come from there. */
const BELIEVED = "<proxy_protocol_from>127.0.0.1</proxy_protocol_from>";

test(
  "behind HAProxy agents keep the keys of their own addresses when their node dies",
  { skip: NO_HAPROXY },
  (t) =>
    nodeDies(t, {
      balancer: (directory, network) =>
        Balancer.haproxy(directory, network, (text) => text.replaceAll(/ check$/gm, " check send-proxy-v2")),
      options: { remote: BELIEVED, auth: `<use_source_ip>yes</use_source_ip>${BELIEVED}` },
      hasOwnAddresses: true,
      agentsEachMin: 2,
    }),
);
