/** `<auth>`: the enrolment service (wazuh v4.14.7: src/config/authd-config.c). */
import { requiredAttribute, withAttributes } from "#config/attributes.ts";
import {
  checkedGroup,
  group,
  listOption,
  option,
  unusedOptions,
  type ValueOf,
  type Warn,
} from "#config/option.ts";
import {
  duration,
  port,
  someText,
  type TextKind,
  trustedNetwork,
  wholeNumber,
  withError,
  withWarning,
  yesNo,
} from "#config/text-kinds.ts";

const HOUR_SECONDS = 3600;
/** Nothing weak, and every client of the last fifteen years. TLS 1.3 has suites of its own. */
export const DEFAULT_CIPHERS = "HIGH:!ADH:!EXP:!MD5:!RC4:!3DES:!CAMELLIA:@STRENGTH";

const interval = withError(duration(0), (name) => `Invalid interval for '${name}' option`);

/** How long an agent must have been disconnected before a new one may take its place. */
type DisconnectedTime = { readonly enabled: boolean; readonly seconds: number };

const disconnectedTime = withAttributes(
  interval,
  {
    enabled: requiredAttribute({
      name: "enabled",
      doc: "Look at the time of disconnection at all.",
      kind: yesNo,
      missing: "Empty attribute for disconnected_time",
    }),
  },
  (seconds, { enabled }): DisconnectedTime => ({ enabled, seconds }),
);

const DEFAULT_DISCONNECTED_TIME: DisconnectedTime = { enabled: true, seconds: HOUR_SECONDS };

const force = checkedGroup(
  {
    element: "force",
    doc: "When a new agent replaces an old one of the same name or address.",
    fields: {
      enabled: option({ element: "enabled", doc: "Replace old agents at all.", kind: yesNo, fallback: true }),
      keyMismatch: option({
        element: "key_mismatch",
        doc: "Only when the agent has not the old one's key.",
        kind: yesNo,
        fallback: true,
      }),
      disconnectedTime: option({
        element: "disconnected_time",
        doc: "Only when the old agent has been disconnected this long.",
        kind: disconnectedTime,
        fallback: DEFAULT_DISCONNECTED_TIME,
      }),
      afterRegistrationSeconds: option({
        element: "after_registration_time",
        doc: "Only when the old agent was registered this long ago.",
        kind: interval,
        fallback: HOUR_SECONDS,
      }),
    },
  },
  (values, at) => ({ values, written: at !== null }),
);

export const allowHigherVersions = group({
  element: "agents",
  doc: "Which agents are let in.",
  fields: {
    allowHigherVersions: option({
      element: "allow_higher_versions",
      doc: "Accept agents newer than the manager.",
      kind: withWarning(yesNo, (name, text) => `(9001): Ignored invalid value '${text}' for '${name}'.`),
      fallback: false,
    }),
  },
});

const keyRequestContent = (name: string) => `Invalid content for tag '${name}' at module 'key-request'`;
const THREADS_MAX = 32;
const QUEUE_SIZE_MAX = 220_000;
/** Not in the peer: a timer of Node counts milliseconds in 31 bits. */
const TIMEOUT_SECONDS_MAX = 2_147_483;

const COMMAND_WORD = /"([^"]*)"|[^\s"]+/g;

/** No shell reads it: blanks part words, and double quotes keep them. */
const commandLine: TextKind<readonly string[]> = {
  values: "a program and its arguments, with double quotes around those that have blanks",
  parse: (text) => {
    const words = [...text.matchAll(COMMAND_WORD)].map(([word, quoted]) => quoted ?? word);
    return words.length === 0 || words[0] === "" ? null : words;
  },
  invalid: { severity: "error", message: keyRequestContent },
};

/** Null when nobody is to be asked. */
const keyRequest = checkedGroup(
  {
    element: "key_request",
    doc: "Asks a program or a local socket for the keys of agents that are not known. Off when it names neither.",
    fields: {
      enabled: option({
        element: "enabled",
        doc: "Ask at all.",
        kind: withError(yesNo, keyRequestContent),
        fallback: true,
      }),
      program: option({
        element: "exec_path",
        doc: "Program with its arguments; `id` or `ip` and the value follow them. With a socket: asked when that gives nothing.",
        kind: commandLine,
        fallback: null,
      }),
      socket: option({
        element: "socket",
        doc: "Local stream socket that is asked before the program.",
        kind: withError(someText, keyRequestContent),
        fallback: null,
      }),
      timeoutSeconds: option({
        element: "timeout",
        doc: "Time for an answer, in seconds.",
        kind: withError(wholeNumber(1, TIMEOUT_SECONDS_MAX), keyRequestContent),
        fallback: 60,
      }),
      parallel: option({
        element: "threads",
        doc: "Questions under way at a time.",
        kind: withError(wholeNumber(1, THREADS_MAX), keyRequestContent),
        fallback: 1,
      }),
      queueSize: option({
        element: "queue_size",
        doc: "Questions that wait.",
        kind: withError(wholeNumber(1, QUEUE_SIZE_MAX), keyRequestContent),
        fallback: 1024,
      }),
    },
    unused: unusedOptions("key_request", "force_insert"),
  },
  ({ enabled, ...values }, at) =>
    at !== null && enabled && (values.program !== null || values.socket !== null) ? values : null,
);

function warnDeprecated(name: string) {
  return <T>(value: T, warn: Warn): T => {
    warn(`The <${name}> tag is deprecated. Use <force> instead.`);
    return value;
  };
}

export const authSection = checkedGroup(
  {
    element: "auth",
    doc: "Enrolment service for new agents. Disabled when the section is missing.",
    fields: {
      disabled: option({ element: "disabled", doc: "Do not serve enrolment.", kind: yesNo, fallback: false }),
      remoteEnrollment: option({
        element: "remote_enrollment",
        doc: "Serve agents over the network, not only local tools.",
        kind: yesNo,
        fallback: true,
      }),
      port: option({ element: "port", doc: "TCP port.", kind: port, fallback: 1515 }),
      ipv6: option({ element: "ipv6", doc: "Listen on IPv6.", kind: yesNo, fallback: false }),
      useSourceIp: option({
        element: "use_source_ip",
        doc: "Register the address that an agent connects from.",
        kind: yesNo,
        fallback: false,
      }),
      purge: option({
        element: "purge",
        doc: "Remove deleted agents from client.keys instead of marking them.",
        kind: yesNo,
        fallback: false,
      }),
      usePassword: option({
        element: "use_password",
        doc: "Ask for the password of etc/authd.pass.",
        kind: yesNo,
        fallback: false,
      }),
      ciphers: option({
        element: "ciphers",
        doc: "TLS ciphers in OpenSSL's notation.",
        kind: someText,
        fallback: DEFAULT_CIPHERS,
      }),
      agentCa: option({
        element: "ssl_agent_ca",
        doc: "Certificate that agents' certificates must chain to.",
        kind: someText,
        fallback: null,
      }),
      verifyHost: option({
        element: "ssl_verify_host",
        doc: "Check an agent's address against its certificate.",
        kind: yesNo,
        fallback: false,
      }),
      managerCert: option({
        element: "ssl_manager_cert",
        doc: "The manager's certificate.",
        kind: someText,
        fallback: "etc/sslmanager.cert",
      }),
      managerKey: option({
        element: "ssl_manager_key",
        doc: "The key of that certificate.",
        kind: someText,
        fallback: "etc/sslmanager.key",
      }),
      autoNegotiate: option({
        element: "ssl_auto_negotiate",
        doc: "Offer TLS versions below 1.2 too.",
        kind: yesNo,
        fallback: false,
      }),
      balancers: listOption({
        element: "proxy_protocol_from",
        doc: "Address or network of a balancer whose connections begin with a header of the PROXY protocol.",
        kind: trustedNetwork,
      }),
      force,
      forceInsert: option({
        element: "force_insert",
        doc: "Deprecated, use force/enabled.",
        kind: yesNo,
        fallback: null,
        adjust: warnDeprecated("force_insert"),
      }),
      forceSeconds: option({
        element: "force_time",
        doc: "Deprecated, use force/disconnected_time.",
        kind: wholeNumber(0, 2 ** 31 - 1),
        fallback: null,
        adjust: warnDeprecated("force_time"),
      }),
      agents: allowHigherVersions,
      keyRequest,
    },
    unused: unusedOptions("auth", "limit_maxagents"),
  },
  ({ force: { values, written }, forceInsert, forceSeconds, ...auth }, at) => {
    const old = {
      ...values,
      enabled: forceInsert ?? values.enabled,
      disconnectedTime:
        forceSeconds === null
          ? values.disconnectedTime
          : { enabled: forceSeconds > 0, seconds: forceSeconds },
    };
    return { ...auth, disabled: at === null || auth.disabled, force: written ? values : old };
  },
);

export type AuthConfig = ValueOf<typeof authSection>;
export type ForceConfig = AuthConfig["force"];
