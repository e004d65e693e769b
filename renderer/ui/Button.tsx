import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components";

import "./ui.css";

export interface ButtonProps extends Omit<AriaButtonProps, "className" | "style"> {
  /** One `main` in a view: what it is for. */
  readonly kind?: "main" | "plain" | "quiet" | "danger";
  readonly size?: "normal" | "small";
}

/** `isPending` only where the button stays when all is done: it says so to a screen reader, by its own name. */
export function Button({ kind = "plain", size = "normal", ...props }: ButtonProps) {
  return <AriaButton {...props} className={`button button-${kind} button-${size}`} />;
}
