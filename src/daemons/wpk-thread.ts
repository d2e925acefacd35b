/** Checks and copies a package in a thread of its own: hashing and inflating one takes a second. */
import { parentPort, workerData } from "node:worker_threads";
import { systemFiles } from "#kernel/platform/files.ts";
import { type PackageRequest, takePackage } from "#upgrade/package-file.ts";

const request: PackageRequest = workerData;
parentPort?.postMessage(takePackage(systemFiles, request));
