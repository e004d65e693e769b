/** What a person writes to let something past the tunnel (chapter 08 §10.7). */
import { requireBypass, type Bypass } from "../xray/config/clientConfig.ts";

const RULE = /^(?:domain|full|keyword|regexp):/;
const ADDRESS = /^(?:[0-9.]+|[0-9a-f.]*:[0-9a-f:.]*)(?:\/\d+)?$/i;

/**
 * An address or a range of them, a rule with `domain:`, `full:`, `keyword:` or `regexp:`, or a name, which stands for itself and
 * what is below it. Throws `bad-bypass-domain` (`domain`) or `bad-bypass-cidr` (`cidr`).
 */
export function parseDirectRules(rules: readonly string[]): Bypass {
  const [cidrs, others] = [true, false].map((isAddress) => rules.filter((rule) => ADDRESS.test(rule) === isAddress));
  const isName = (rule: string): boolean => !RULE.test(rule) && !rule.includes(":");
  const domains = others!.map((rule) => (isName(rule) ? `domain:${rule.toLowerCase()}` : rule));
  const bypass = { domains, cidrs: cidrs! };
  requireBypass(bypass);
  return bypass;
}
