/** Makes the enrollment service's certificate in a thread of its own: what the libraries for it take is free again afterwards. */
import { parentPort, workerData } from "node:worker_threads";
import { type CertificateSubject, makeCertificate } from "#enrollment/certificate.ts";
import { systemRandom } from "#kernel/platform/random.ts";

const subject: CertificateSubject = workerData;
parentPort?.postMessage(await makeCertificate(subject, systemRandom));
