/** The ossec.conf that a new home gets: what a first start needs, with comments for what is changed most. */

/** Lists of the peer that its users' rules name; only those that are there are written. */
export const USUAL_LISTS: readonly string[] = [
  "etc/lists/audit-keys",
  "etc/lists/amazon/aws-eventnames",
  "etc/lists/security-eventchannel",
  "etc/lists/malicious-ioc/malware-hashes",
  "etc/lists/malicious-ioc/malicious-ip",
  "etc/lists/malicious-ioc/malicious-domains",
];

export type ShippedConfigChoice = {
  /** Where agents are served; loopback until somebody decides otherwise. */
  readonly localIp?: string;
  /** Lists that exist in the new home. */
  readonly lists?: readonly string[];
  readonly agentPort?: number;
  readonly enrollmentPort?: number;
};

export function shippedConfig({
  localIp = "127.0.0.1",
  lists = [],
  agentPort = 1514,
  enrollmentPort = 1515,
}: ShippedConfigChoice = {}): string {
  const listLines = lists.map((list) => `    <list>${list}</list>\n`).join("");
  return `<!--
  Configuration of the Cyb3rhq manager. A section or option that is missing has its default.
  Several <ossec_config> blocks may follow each other; of an option that is written twice the last one counts.
-->
<ossec_config>
  <global>
    <alerts_log>yes</alerts_log>
    <jsonout_output>yes</jsonout_output>
    <!-- yes keeps every event, not only those that raise an alert: needs much more disk. -->
    <logall>no</logall>
    <logall_json>no</logall_json>
    <agents_disconnection_time>15m</agents_disconnection_time>
    <agents_disconnection_alert_time>0</agents_disconnection_alert_time>
    <!-- Active response never blocks these. Add the addresses that you administer from. -->
    <white_list>127.0.0.1</white_list>
    <white_list>::1</white_list>
  </global>

  <!-- Rules have levels from 0 to 16: from which one on alerts are written, and mailed. -->
  <alerts>
    <log_alert_level>3</log_alert_level>
    <email_alert_level>12</email_alert_level>
  </alerts>

  <logging>
    <!-- plain, json or plain,json -->
    <log_format>plain</log_format>
  </logging>

  <!-- Agents connect here. Remove local_ip to listen on every address of this host. -->
  <remote>
    <connection>secure</connection>
    <port>${agentPort}</port>
    <protocol>tcp</protocol>
    <local_ip>${localIp}</local_ip>
  </remote>

  <!-- Syslog of devices without an agent:
  <remote>
    <connection>syslog</connection>
    <port>514</port>
    <protocol>udp</protocol>
    <allowed-ips>192.0.2.0/24</allowed-ips>
  </remote>
  -->

  <!-- New agents enrol here. use_password asks them for the password in etc/authd.pass. -->
  <auth>
    <disabled>no</disabled>
    <port>${enrollmentPort}</port>
    <use_source_ip>no</use_source_ip>
    <purge>yes</purge>
    <use_password>no</use_password>
    <!-- When a new agent may take the name or address of an old one: all that is set here must hold. -->
    <force>
      <enabled>yes</enabled>
      <key_mismatch>yes</key_mismatch>
      <disconnected_time enabled="yes">1h</disconnected_time>
      <after_registration_time>1h</after_registration_time>
    </force>
  </auth>

  <!-- What ruleset/ holds comes with the product and is replaced by updates; your own files live in etc/. -->
  <ruleset>
    <decoder_dir>ruleset/decoders</decoder_dir>
    <rule_dir>ruleset/rules</rule_dir>
    <rule_exclude>0215-policy_rules.xml</rule_exclude>
${listLines}    <decoder_dir>etc/decoders</decoder_dir>
    <rule_dir>etc/rules</rule_dir>
  </ruleset>

  <rule_test>
    <enabled>yes</enabled>
    <threads>1</threads>
    <max_sessions>64</max_sessions>
    <session_timeout>15m</session_timeout>
  </rule_test>

  <!-- One node of several: write the same key on all of them, and the master's address as the node.
  <cluster>
    <name>cyb3rhq</name>
    <node_name>node01</node_name>
    <node_type>master</node_type>
    <key>32 letters and digits</key>
    <port>1516</port>
    <bind_addr>0.0.0.0</bind_addr>
    <nodes>
      <node>192.0.2.10</node>
    </nodes>
    <hidden>no</hidden>
    <disabled>no</disabled>
  </cluster>
  -->
</ossec_config>
`;
}
