/** A rule set that has one of everything: decoders of every kind with the decoders in code, rules with every kind of condition. */
import { JSON_DECODER } from "./engine.fixture.ts";

const plugin = (name: string, prematch: string) =>
  `<decoder name="${name}"><prematch>${prematch}</prematch><plugin_decoder>${name}_Decoder</plugin_decoder></decoder>`;

export const EVERYTHING_DECODERS = `${JSON_DECODER}
<decoder name="sshd"><program_name>^sshd</program_name></decoder>
<decoder name="sshd-fields"><parent>sshd</parent><prematch>^Failed|^Accepted</prematch><regex offset="after_prematch">for (\\.+) from (\\S+) port (\\d+)</regex><order>user, srcip, srcport</order><fts>user, srcip, location</fts></decoder>
<decoder name="su"><program_name>^su</program_name><regex>(\\S+) : TTY=(\\S*) ; PWD=(\\S*)</regex><order>srcuser, tty, pwd</order></decoder>
<decoder name="mail"><prematch>^mail </prematch></decoder>
<decoder name="mail-part"><parent>mail</parent><prematch>^mail </prematch><accumulate/><regex>id=(\\d+)</regex><order>id</order></decoder>
<decoder name="mail-part"><parent>mail</parent><regex>user=(\\w+)</regex><order>user</order></decoder>
<decoder name="audit"><prematch>^type=</prematch></decoder>
<decoder name="audit-fields"><parent>audit</parent><regex>audit\\((\\S+)\\)</regex><order>id</order></decoder>
<decoder name="audit-fields"><parent>audit</parent><regex type="pcre2" offset="after_regex">(?:exe="([^"]*)")?.*?key="([^"]*)"</regex><order>audit.exe, audit.key</order></decoder>
<decoder name="ids"><prematch>^ids </prematch></decoder>
<decoder name="ids-alert"><parent>ids</parent><type>ids</type><prematch>^ids </prematch><regex offset="after_prematch">^(\\S*) (\\S*)$</regex><order>id, my.field</order><fts>id</fts></decoder>
<decoder name="web"><type>web-log</type><prematch>^\\d+.\\d+.\\d+.\\d+ </prematch><regex>^(\\S+) \\S+ \\S+ [\\S+ \\S+] "(\\w+) (\\S+) HTTP\\S+" (\\d+)</regex><order>srcip, protocol, url, id</order></decoder>
<decoder name="fw"><type>firewall</type><program_name>^kernel</program_name><regex>IN=(\\S*) \\.+SRC=(\\S+) DST=(\\S+) \\.+PROTO=(\\w+) SPT=(\\d+) DPT=(\\d+)</regex><order>action, srcip, dstip, protocol, srcport, dstport</order></decoder>
${plugin("OSSECAlert", "^ossec: Alert Level")}${plugin("PF", "^rule |^pf: ")}${plugin("SonicWall", "^id=firewall")}${plugin("SymantecWS", "^\\d\\d,")}`;

const SPECIAL_DECODERS =
  "rootcheck syscheck_integrity_changed syscheck_new_entry syscheck_deleted syscheck_registry_value_added hostinfo_new hostinfo_modified syscollector ciscat windows_eventchannel sca";

export const EVERYTHING_RULES = `
<rule id="5715" level="3"><decoded_as>sshd</decoded_as><match>Accepted</match><description>$(dstuser) from $(srcip)</description></rule>
<rule id="100001" level="5"><decoded_as>sshd</decoded_as><group>failures,</group><description>failed $(dstuser)</description></rule>
<rule id="100002" level="10" frequency="3"><if_matched_sid>100001</if_matched_sid><same_source_ip/><description>many</description></rule>
<rule id="100003" level="4"><if_sid>100001</if_sid><if_fts/><description>first</description></rule>
<rule id="100004" level="3"><decoded_as>json</decoded_as><description>$(alert.signature) $(data.id)</description></rule>
<rule id="100005" level="6"><if_sid>100004</if_sid><field name="nested.a.b.c" type="pcre2">(?i)^d+$</field><description>nested</description></rule>
<rule id="100006" level="7" frequency="4"><if_matched_group>local</if_matched_group><different_field>event_type</different_field><global_frequency/><description>x</description></rule>
<rule id="100007" level="8" frequency="5"><if_matched_regex>\\d+ \\S+ port</if_matched_regex><description>x</description></rule>
<rule id="100008" level="6"><category>web-log</category><compiled_rule>is_simple_http_request</compiled_rule><description>$(url)</description></rule>
<rule id="100009" level="7"><match>output:</match><check_diff/><description>x</description></rule>
<rule id="100010" level="3" maxsize="2000" ignore="3"><regex>\\.</regex><description>long</description></rule>
<rule id="100011" level="3"><compiled_rule>comp_mswin_targetuser_calleruser_diff</compiled_rule><description>x</description></rule>
<rule id="100012" level="3"><srcip>10.0.0.0/8</srcip><description>x</description></rule>
<rule id="100013" level="3"><regex>\\.</regex><description>any $(dstuser)</description></rule>
<rule id="100014" level="3"><category>ids</category><description>ids</description></rule>
<rule id="100015" level="6"><if_sid>100014</if_sid><if_fts/><description>new attack</description></rule>
<rule id="100016" level="4" ignore="20"><decoded_as>mail</decoded_as><description>mail of $(dstuser)</description></rule>
<rule id="100017" level="3"><category>firewall</category><action>drop</action><description>drop</description></rule>
<rule id="100018" level="8" frequency="3" timeframe="900"><if_matched_sid>100004</if_matched_sid><same_field>action</same_field><different_field>list</different_field><description>fields</description></rule>
${SPECIAL_DECODERS.split(" ")
  .map(
    (name, index) => `
<rule id="${100_100 + index}" level="5"><category>ossec</category><decoded_as>${name}</decoded_as><group>${name},rootcheck,gdpr_IV_35.7.d,</group><description>$(title) $(file) $(sca.check.title) $(win.system.eventID)</description></rule>`,
  )
  .join("")}
<rule id="100120" level="6"><if_sid>100100,100101</if_sid><if_fts/><description>new finding</description></rule>
<rule id="100121" level="9" frequency="3"><if_matched_group>rootcheck</if_matched_group><same_location/><not_same_field>file</not_same_field><description>many findings</description></rule>
<rule id="100122" level="7"><if_sid>100109</if_sid><field name="win.eventdata.image" type="pcre2">(?i)\\\\temp\\\\.*\\.exe$</field><description>$(win.eventdata.image)</description></rule>`;
