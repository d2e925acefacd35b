/** The launcher's flags for the whole process, threads too: the engine relies on them (docs/decisions/0002-regexp-flags.md). */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--enable-experimental-regexp-engine-on-excessive-backtracks");
setFlagsFromString("--regexp-backtracks-before-fallback=1000");
