/** Opens the registry's SQLite file and brings its format up to date. The only SQL that changes tables is here. */
import { DatabaseSync } from "node:sqlite";
import { CodedError, messageOf } from "#kernel/errors.ts";

/** Readers never lock us out in WAL mode, so a wait means that somebody works on the file with another tool. */
const LOCK_WAIT_MS = 250;

/** Each entry takes the file from the format version that is its index to the next one. Entries are never edited. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE agent (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     ip TEXT NOT NULL,
     register_time INTEGER,
     groups TEXT NOT NULL DEFAULT '',
     status TEXT NOT NULL DEFAULT 'never_connected',
     status_code INTEGER NOT NULL DEFAULT 0,
     last_keepalive INTEGER,
     disconnection_time INTEGER NOT NULL DEFAULT 0,
     os_name TEXT, os_version TEXT, os_major TEXT, os_minor TEXT, os_codename TEXT, os_build TEXT,
     os_platform TEXT, os_uname TEXT, os_arch TEXT,
     version TEXT, config_sum TEXT, merged_sum TEXT, manager_host TEXT, node_name TEXT, agent_ip TEXT, labels TEXT,
     sync_status TEXT NOT NULL DEFAULT 'synced',
     group_config_status TEXT NOT NULL DEFAULT 'not synced'
   ) WITHOUT ROWID;
   CREATE INDEX agent_by_number ON agent (length(id), id);`,
  // From here on `sync_status` is what a worker owes its master, and `group_sync_status` what a master owes its workers.
  `ALTER TABLE agent ADD COLUMN group_sync_status TEXT NOT NULL DEFAULT 'synced';
   UPDATE agent SET sync_status = 'syncreq' WHERE version IS NOT NULL;
   UPDATE agent SET group_sync_status = 'syncreq' WHERE groups <> '';
   CREATE INDEX agent_to_tell ON agent (sync_status) WHERE sync_status <> 'synced';
   CREATE INDEX agent_groups_to_tell ON agent (group_sync_status) WHERE group_sync_status <> 'synced';`,
  // When the agent said what stands in its row, by the clock of the node that heard it.
  "ALTER TABLE agent ADD COLUMN info_time INTEGER NOT NULL DEFAULT 0;",
];

/** Throws `CodedError` `registry_unusable` (not readable as a database) or `registry_too_new`. */
export function openDatabase(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    migrate(database, path);
    return database;
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError("registry_unusable", messageOf(error), { path }, error);
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > MIGRATIONS.length) {
    const detail = { path, version, versionKnown: MIGRATIONS.length };
    throw new CodedError("registry_too_new", "The registry was written by a newer version", detail);
  }
  for (const [from, sql] of MIGRATIONS.entries()) {
    if (from < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${from + 1}; COMMIT;`);
  }
}
