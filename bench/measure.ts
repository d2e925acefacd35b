/** `node bench/measure.ts BENCHMARK CORPUS DATA SECONDS`: measures one corpus in this process and prints its figures as JSON. For run.ts. */
import { benchmarkOf } from "./catalog.ts";

const [name = "", corpus = "", dataDirectory = "", seconds = ""] = process.argv.slice(2);
const figures = await benchmarkOf(name).measure(corpus, dataDirectory, Number(seconds));
process.stdout.write(`${JSON.stringify(figures)}\n`);
