/**
 * Which column of an inventory is which field, in the order of the alert document
 * (wazuh v4.14.7: src/analysisd/decoders/syscollector.c).
 */

export type InventoryColumn = {
  /** In lower case: how members are looked up. */
  readonly column: string;
  readonly field: string;
};

export type InventoryTable = readonly InventoryColumn[];

/** `columns`: names between blanks; `column=field` where the field has another name. */
function table(prefix: string, columns: string): InventoryTable {
  return columns
    .trim()
    .split(/\s+/)
    .map((text) => {
      const [column = "", field = column] = text.split("=");
      return { column, field: prefix + field };
    });
}

const HARDWARE = table(
  "hardware.",
  "board_serial=serial cpu_name cpu_cores cpu_mhz ram_total ram_free ram_usage",
);

const PORTS = table(
  "port.",
  "protocol local_ip local_port remote_ip remote_port tx_queue rx_queue inode state pid process",
);

const PROCESSES = table(
  "process.",
  `pid name state ppid utime stime cmd argvs=args euser ruser suser egroup rgroup sgroup fgroup priority nice size vm_size
  resident share start_time pgrp session nlwp tgid tty processor`,
);

const INTERFACES = table(
  "netinfo.iface.",
  `name adapter type state mtu mac tx_packets rx_packets tx_bytes rx_bytes tx_errors rx_errors tx_dropped rx_dropped`,
);

const USERS = table(
  "user.",
  `user_name user_full_name user_home user_id user_uid_signed user_uuid user_groups user_group_id user_group_id_signed
  user_created user_roles user_shell user_type user_is_hidden user_is_remote user_last_login user_auth_failed_count
  user_auth_failed_timestamp user_password_last_change user_password_expiration_date user_password_hash_algorithm
  user_password_inactive_days user_password_max_days_between_changes user_password_min_days_between_changes
  user_password_status user_password_warning_days_before_expiration process_pid host_ip login_status login_tty login_type`,
);

const SERVICES = table(
  "service.",
  `service_id service_name service_description service_type service_state service_sub_state service_enabled
  service_start_type service_restart service_frequency service_starts_on_mount service_starts_on_path_modified
  service_starts_on_not_empty_directory service_inetd_compatibility process_pid process_executable process_args
  process_user_name process_group_name process_working_directory process_root_directory file_path service_address
  log_file_path error_log_file_path service_exit_code service_win32_exit_code service_following service_object_path
  service_target_ephemeral_id service_target_type service_target_address`,
);

const BROWSER_EXTENSIONS = table(
  "browser_extension.",
  `browser_name user_id package_name package_id package_version package_description package_vendor package_build_version
  package_path browser_profile_name browser_profile_path package_reference package_permissions package_type
  package_enabled package_visible package_autoupdate package_persistent package_from_webstore browser_profile_referenced
  package_installed file_hash_sha256`,
);

/** By what follows `dbsync_` in the type of a message. */
export const DELTA_TABLES: ReadonlyMap<string, InventoryTable> = new Map([
  ["hotfixes", table("", "hotfix")],
  [
    "packages",
    table(
      "program.",
      `format name priority groups=section size vendor install_time version architecture multiarch source description
      location`,
    ),
  ],
  ["processes", PROCESSES],
  ["ports", PORTS],
  ["network_iface", INTERFACES],
  ["network_protocol", table("netinfo.proto.", "iface type gateway dhcp metric")],
  ["network_address", table("netinfo.addr.", "iface proto address netmask broadcast")],
  ["hwinfo", HARDWARE],
  [
    "osinfo",
    // `version` comes after `os_version` under the same name: documents and rules see the first that is not empty.
    table(
      "os.",
      `hostname architecture os_name=name os_version=version os_codename=codename os_major=major os_minor=minor
      os_patch=patch os_build=build os_platform=platform sysname release version os_release
      os_display_version=display_version`,
    ),
  ],
  ["users", USERS],
  [
    "groups",
    table(
      "group.",
      "group_id group_name group_description group_id_signed group_uuid group_is_hidden group_users",
    ),
  ],
  ["services", SERVICES],
  ["browser_extensions", BROWSER_EXTENSIONS],
]);

export type ScanMessage = {
  readonly table: InventoryTable;
  /** The member that holds the row; null when the message itself is the row. */
  readonly member: string | null;
  /** Without a scan's number (`ID`) the message is dropped. */
  readonly needsScanId: boolean;
};

/** By type: what agents before 4.2 send. */
export const SCAN_MESSAGES: ReadonlyMap<string, ScanMessage> = new Map([
  ["port", { table: PORTS, member: "port", needsScanId: true }],
  [
    "program",
    {
      table: table(
        "program.",
        `format name priority group=section size vendor install_time version architecture multi-arch=multiarch source
        description location`,
      ),
      member: "program",
      needsScanId: true,
    },
  ],
  ["process", { table: PROCESSES, member: "process", needsScanId: true }],
  ["hotfix", { table: table("", "hotfix"), member: null, needsScanId: true }],
  ["hardware", { table: HARDWARE, member: "inventory", needsScanId: false }],
  [
    "OS",
    {
      table: table(
        "os.",
        `hostname architecture os_name=name os_version=version os_codename=codename os_major=major os_minor=minor
        os_build=build os_platform=platform sysname release version=release_version os_release os_patch=patch
        os_display_version=display_version`,
      ),
      member: "inventory",
      needsScanId: false,
    },
  ],
  ["network", { table: INTERFACES, member: "iface", needsScanId: false }],
]);

/** Messages that end a scan: they have a type and a scan's number only. */
export const SCAN_ENDS: ReadonlySet<string> = new Set([
  "port_end",
  "program_end",
  "process_end",
  "hotfix_end",
  "network_end",
]);

/** Numbers that have decimals in the messages of old agents, whole or not. */
export const DECIMAL_FIELDS: ReadonlySet<string> = new Set([
  "hardware.cpu_mhz",
  "hardware.ram_total",
  "hardware.ram_free",
]);
