/** A line that shows how far something is, on a terminal alone. */
import type { Task } from "../../api/contract.ts";

const BAR_WIDTH = 30;

export interface Progress {
  show(what: string, progress: Task["progress"]): void;
  end(): void;
}

export function createProgress(isJson: boolean, output: NodeJS.WriteStream = process.stderr): Progress {
  if (isJson || !output.isTTY) return { show: () => undefined, end: () => undefined };
  return {
    show(what, progress) {
      if (progress === null) return;
      const { done, total, unit } = progress;
      const share = total === null || total === 0 ? undefined : Math.min(1, done / total);
      const filled = Math.round((share ?? 0) * BAR_WIDTH);
      const bar =
        share === undefined ? "" : ` [${"#".repeat(filled).padEnd(BAR_WIDTH, ".")}] ${Math.floor(share * 100)} %`;
      output.write(`\r\x1b[K${what}${bar} ${done} ${unit}`);
    },
    end: () => output.write("\r\x1b[K"),
  };
}
