/** Help texts and shell completion, both made from the table of commands. */
import type { Argument, Command, Option } from "./command.ts";
import { EXIT_MEANINGS } from "./exitCodes.ts";

export const GLOBAL_OPTIONS: Readonly<Record<string, Option>> = {
  json: { type: "boolean", summary: "one JSON document on standard output, whatever happens" },
  "data-dir": { type: "string", value: "DIR", summary: "where the data lie (or MONTANA_DATA_DIR)" },
  network: { type: "string", value: "NETWORK", summary: "solo, montana, a network started before, or a network file" },
  "passphrase-file": {
    type: "string",
    value: "FILE",
    summary: "read the passphrase from there (or MONTANA_PASSPHRASE)",
  },
  help: { type: "boolean", summary: "help for a command" },
};

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export function helpText(commands: readonly Command[]): string {
  return [
    "montana: a node of the TimeChain network, from the command line",
    "",
    "usage: montana COMMAND [ARGUMENTS] [OPTIONS]",
    "",
    "commands:",
    ...rows(commands.map(({ name, summary }) => [name, summary])),
    "",
    "options of every command:",
    ...rows(optionRows(GLOBAL_OPTIONS)),
    "",
    "exit codes:",
    ...rows(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning])),
    "",
    "montana help COMMAND says more about one.",
  ].join("\n");
}

export function commandHelp({ name, summary, arguments: args, options, detail }: Command): string {
  const usage = ["usage: montana", name, ...args.map(describeArgument), "[OPTIONS]"].join(" ");
  const own = optionRows(options);
  return [
    `montana ${name}: ${summary}`,
    "",
    usage,
    ...(detail === undefined ? [] : ["", ...wrap(detail)]),
    ...(own.length === 0 ? [] : ["", "options:", ...rows(own)]),
    "",
    "options of every command:",
    ...rows(optionRows(GLOBAL_OPTIONS)),
  ].join("\n");
}

function describeArgument({ name, choices, isOptional = false }: Argument): string {
  const text = choices === undefined ? name : choices.join("|");
  return isOptional ? `[${text}]` : text;
}

function optionRows(options: Readonly<Record<string, Option>>): [string, string][] {
  return Object.entries(options).map(([name, { choices, value, type, summary, isRepeatable }]) => {
    const shown = type === "boolean" ? "" : ` ${choices?.join("|") ?? value ?? "TEXT"}`;
    return [`--${name}${shown}`, isRepeatable === true ? `${summary}; may be given again` : summary];
  });
}

function rows(pairs: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

const LINE_MAX = 90;

function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + word.length >= LINE_MAX) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

/** A script that the person's shell reads. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}

const optionsOf = ({ options }: Command): [string, Option][] => Object.entries({ ...options, ...GLOBAL_OPTIONS });
const isPath = ({ value }: Option): boolean => value === "FILE" || value === "DIR" || value === "NETWORK";

/** What may stand first after a command: the choices of its first argument. */
const firstChoices = ({ arguments: [first] }: Command): readonly string[] => first?.choices ?? [];

function bashScript(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = [...firstChoices(command), ...optionsOf(command).map(([name]) => `--${name}`)];
    return `    ${command.name}) words="${words.join(" ")}" ;;`;
  });
  const choices = new Map<string, readonly string[]>();
  for (const [name, option] of commands.flatMap(optionsOf)) if (option.choices) choices.set(name, option.choices);
  const valueCases = [...choices].map(([name, list]) => `    --${name}) values="${list.join(" ")}" ;;`);
  return `# montana completion for bash: eval "$(montana completion bash)"
_montana() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" words="" values=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$current"))
    return
  fi
  case "$before" in
${valueCases.join("\n")}
  esac
  if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$current")); return; fi
  case "$command" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}
complete -o filenames -F _montana montana
`;
}

function zshScript(commands: readonly Command[]): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''");
  const plain = (text: string): string => quote(text).replaceAll(/[[\]:]/g, " ");
  const cases = commands.map((command) => {
    const specs = optionsOf(command).map(([name, option]) => {
      if (option.type === "boolean") return `'--${name}[${plain(option.summary)}]'`;
      const action = option.choices ? `(${option.choices.join(" ")})` : isPath(option) ? "_files" : "";
      return `'--${name}[${plain(option.summary)}]:${option.value ?? "value"}:${action}'`;
    });
    const first = firstChoices(command);
    specs.push(first.length > 0 ? `'1:action:(${first.join(" ")})'` : "'1:argument:_files'", "'*:file:_files'");
    return `    ${command.name}) _arguments ${specs.join(" ")} ;;`;
  });
  const described = commands.map(({ name, summary }) => `    '${name}:${plain(summary)}'`);
  return `#compdef montana
# montana completion for zsh: eval "$(montana completion zsh)"
_montana() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then _describe 'command' commands; return; fi
  local command="\${words[2]}"
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
compdef _montana montana
`;
}

function fishScript(commands: readonly Command[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap((command) => {
    const inCommand = `complete -c montana -n '__fish_seen_subcommand_from ${command.name}'`;
    return [
      `complete -c montana -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.summary)}`,
      ...firstChoices(command).map((choice) => `${inCommand} -a ${choice}`),
      ...optionsOf(command).map(([name, option]) => {
        const takes = option.type === "boolean" ? "" : isPath(option) ? " -r -F" : " -x";
        const choices = option.choices ? ` -a ${quote(option.choices.join(" "))}` : "";
        return `${inCommand} -l ${name}${takes}${choices} -d ${quote(option.summary)}`;
      }),
    ];
  });
  return `# montana completion for fish: montana completion fish | source\n${lines.join("\n")}\n`;
}
