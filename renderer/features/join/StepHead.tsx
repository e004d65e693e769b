import { useEffect, useRef, type ReactNode } from "react";

/** The heading of a step within a view: reading goes on there when the step comes. */
export function StepHead({ children }: { children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <h2 ref={heading} tabIndex={-1} className="step-head">
      {children}
    </h2>
  );
}
