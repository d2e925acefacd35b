/** Every bound of the agent connection service, with its reason. What happens at a bound is counted (`events.ts`). */

/** Open connections where nothing else is configured: above the 20,000 agents planned for a node, below its descriptors. */
export const CONNECTIONS_MAX = 50_000;

/** Connections that have not proved who they are; a new one beyond it ends the oldest of them, so that silence blocks nobody. */
export const UNAUTHENTICATED_MAX = 4096;

/** An agent sends its startup as soon as it is connected; this allows for some lost packets. */
export const UNAUTHENTICATED_MS_MAX = 30_000;

/**
 * Bytes of an unfinished frame kept for a stranger. A startup has some 120; with `UNAUTHENTICATED_MAX` strangers can hold 32 MiB.
 */
export const UNAUTHENTICATED_HELD_BYTES_MAX = 8192;

/**
 * Asked of the system for each agent's connection; Linux gives twice as much, its own bookkeeping included. Left to itself it grows to
 * megabytes, and with it the agent's send buffer: all of that stands before the keepalive of an agent that sends more than is read.
 * It is what can be under way at a time: of an agent that is 100 ms away 600 KB/s, more than the 1000 events/s that an agent may send at most.
 */
export const RECEIVE_BUFFER_BYTES = 65_536;

/** Bytes a connection's peer may leave unread before answers to it are left out; the peer's `send_buffer_size`. */
export const OUTPUT_PENDING_BYTES_MAX = 131_072;

/** The same for answers to `#ping`, which strangers may ask for: a balancer reads one before it asks for the next. */
export const PONG_PENDING_BYTES_MAX = 1024;

/**
 * What one connection may have handled at a time: 256 small messages or 256 KiB of inflated ones take about 3 ms. A chunk of
 * well compressed messages would else hold up all other agents for 200 ms.
 */
export const WORK_FRAMES_MAX = 256;
export const WORK_BYTES_MAX = 262_144;

/** Answers of one connection that wait for the journal; a real agent has one. More keepalives than that get no answer. */
export const ANSWERS_WAITING_MAX = 16;

/** Lines a second about refused messages, all networks together; the rest is told as one count. */
export const REFUSAL_LINES_PER_SECOND_MAX = 50;

/** Agents declared lost in one sweep: a network failure of all takes seconds, not one long pause. */
export const LOST_PER_SWEEP_MAX = 1000;

/** How often time limits are looked at. */
export const SWEEP_PERIOD_MS = 1000;

/** How often silent connections of known agents are looked for: a walk over all of them. */
export const SILENT_CHECK_PERIOD_MS = 60_000;

/** Under pressure, how often the next connections get their turn. */
export const TURN_TICK_MS = 100;

/** Under pressure every connection has its turn in this time: the promise is 10 s, the rest is for late timers. */
export const TURN_PERIOD_MS = 8000;

/** Under pressure an agent is sent an ack when its last message from us is that old. With the turn: at least one in 18 s of the 20 promised. */
export const UNSOLICITED_ACK_AFTER_MS = 10_000;

/**
 * Without pressure, an agent whose bytes are read is sent an ack when its last message from us is that old: longer than the 20 s between two
 * keepalives where that is not changed, shorter than the 60 s after which an agent connects anew (wazuh v4.14.7: max_time_reconnect_try).
 */
export const BUSY_ACK_AFTER_MS = 25_000;

/**
 * Global counters reserved in the file at a time: 99,970 messages, so that a node with 20,000 agents writes once in 100 s
 * and a crash skips that many.
 */
export const SENDER_GLOBALS_RESERVED = 10;

/** After a failed write of the sender counter. */
export const SENDER_WRITE_RETRY_MS = 1000;

/** Asked of the system for the socket of agents that report over UDP: 100 ms of 20,000 events of 1 KiB. The system's `rmem_max` may give less. */
export const DATAGRAM_RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024;

/**
 * What a datagram of IPv4 carries: 65,535 bytes less its header of 20 and UDP's of 8. A message of the greatest length that does not
 * compress has more when it is sealed; the system would refuse it.
 */
export const DATAGRAM_BYTES_MAX = 65_507;

/** How often the kernel is asked what it dropped. */
export const DROPS_PERIOD_MS = 5000;

/** A larger step between two message counters of an agent says that it counts anew, not that so many messages were lost or late. */
export const COUNTER_JUMP_MAX = 1_000_000;
export const COUNTER_LATE_MAX = 1000;

/** Files that are sent at a time; the others wait. With `PUSH_PENDING_BYTES_MAX` they hold 12 MiB of output. */
export const PUSHES_MAX = 256;

/** A connection with more unsent output gets no more of its file; less than `OUTPUT_PENDING_BYTES_MAX`, so that answers always fit. */
export const PUSH_PENDING_BYTES_MAX = 32_768;

/** Parts of a file that a connection gets at once: 16 KiB, one write. */
export const PUSH_VISIT_PARTS = 18;

/** Bytes of files in one turn, all agents together, and the pause after it, in which events are taken: less than 2 ms of work in 4. */
export const PUSH_TURN_BYTES = 32_768;
export const PUSH_PAUSE_MS = 2;

/** The pause when no connection took anything. */
export const PUSH_IDLE_PAUSE_MS = 50;

/** An agent that takes nothing of its file for so long is not sent the rest. */
export const PUSH_STALLED_MS_MAX = 60_000;

/** Over UDP nobody says what arrived: wazuh v4.14.7 pauses a second after each 31 parts (src/remoted/manager.c). */
export const DATAGRAM_PARTS_IN_A_ROW = 31;
export const DATAGRAM_PAUSE_MS = 1000;

/** A key that nobody had is not asked for again so soon: the agent tries every ten seconds or so. */
export const KEY_WISH_AGAIN_MS = 60_000;

/** Different keys that are asked for in that time: strangers may name any id. 4,096 wishes take half a megabyte. */
export const KEY_WISHES_MAX = 4096;

/** `<target> <payload>` of a request: with its head it fits the largest message. */
export const REQUEST_BYTES_MAX = 65_376;
