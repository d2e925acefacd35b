/** Documents as agents send them, one with all that its kind may have: file integrity (a file, a value of the registry) and configuration assessment. */

export const WHODATA = {
  type: "event",
  data: {
    path: '/etc/../../o\'brien "x" {y}',
    version: 2,
    mode: "whodata",
    type: "modified",
    timestamp: 1_732_070_401,
    tags: "a,,b",
    content_changes: "1c1\n< a\n---\n> b\n",
    hard_links: ["/etc/one", "/etc/two"],
    changed_attributes: ["size", "inode"],
    attributes: { type: "file", size: 2, inode: 8_589_934_593, symlink_path: "/etc/l", uid: "0", gid: "" },
    old_attributes: { type: "file", size: 1, inode: "5", uid: "0", gid: "7" },
    audit: {
      user_id: "0",
      user_name: "root",
      group_id: "",
      process_name: "/bin/sh",
      process_id: 77,
      cwd: "/",
      ppid: 1,
      parent_name: "/sbin/init",
      parent_cwd: "/",
      audit_uid: "1000",
      audit_name: "ann",
      effective_uid: "0",
      effective_name: "root",
    },
  },
};

export const REGISTRY = {
  type: "event",
  data: {
    path: "HKEY_LOCAL_MACHINE\\Software\\x",
    version: 3,
    mode: "scheduled",
    type: "added",
    index: "abc",
    arch: "[x64]",
    value_name: "v",
    attributes: {
      type: "registry_value",
      value_type: "REG_SZ",
      perm: {
        "S-1-5-18": { name: "SYSTEM", allowed: ["delete", "write_dac"] },
        "S-1-1-0": { allowed: ["read_data"], denied: ["execute"] },
      },
      attributes: "ARCHIVE, HIDDEN",
    },
  },
};

export const CHECK = {
  type: "check",
  id: 123,
  policy: "Own policy",
  policy_id: "own",
  check: {
    id: 9001,
    title: "Ensure x",
    description: "d",
    rationale: "r",
    remediation: "m",
    compliance: { cis: "1.1", pci_dss: 2, "cmmc_v2.0": "AC", none: 0 },
    rules: ["f:/etc/x"],
    condition: "all",
    references: "a,b",
    file: "/etc/x,,/etc/y",
    command: "ls",
    result: "failed",
  },
};

export const SUMMARY = {
  type: "summary",
  scan_id: 123,
  name: "Own policy",
  policy_id: "own",
  file: "own.yml",
  description: "text",
  references: "ref",
  passed: 1,
  failed: 1,
  invalid: 0,
  total_checks: 2,
  score: 50.5,
  start_time: 1,
  end_time: 2,
  hash: "h1",
  hash_file: "f1",
};
