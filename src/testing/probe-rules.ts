/** A small rule set for numbered events, which tests of whole managers follow from an agent to the files. */

export const PROBE_DECODERS = `<decoder name="probe">
  <program_name>^probe$</program_name>
</decoder>
<decoder name="probe-fields">
  <parent>probe</parent>
  <regex>number=(\\S+) from=(\\S+)</regex>
  <order>id, srcip</order>
</decoder>
`;

/** Every event alerts; the second rule needs the memory of the events before. */
export const PROBE_RULES = `<group name="probe,">
  <rule id="1" level="0" noalert="1">
    <category>syslog</category>
    <description>Events of syslog decoders.</description>
  </rule>
  <rule id="100001" level="3">
    <decoded_as>probe</decoded_as>
    <description>Probe $(id).</description>
  </rule>
  <rule id="100002" level="10" frequency="8" timeframe="120">
    <if_matched_sid>100001</if_matched_sid>
    <same_source_ip />
    <description>Many probes from $(srcip).</description>
  </rule>
</group>
`;
