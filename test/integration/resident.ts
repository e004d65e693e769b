import { readFileSync } from "node:fs";

/** Memory that a process has, or has had at most, in MiB: on Linux, where the kernel says; 0 elsewhere. */
export function residentMib(pid: number, what: "now" | "peak" = "now"): number {
  if (process.platform !== "linux") return 0;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kib = "0"] = (what === "now" ? /VmRSS:\s+(\d+)/ : /VmHWM:\s+(\d+)/).exec(status) ?? [];
  return Math.round(Number(kib) / 1024);
}
