import type { ReactNode } from "react";
import { Button, Disclosure as AriaDisclosure, DisclosurePanel, Heading } from "react-aria-components";

import "./disclosure.css";

/** What few need, behind its name. It is drawn only while it is open. */
export function Disclosure({ title, children }: { title: string; children: () => ReactNode }) {
  return (
    <AriaDisclosure className="disclosure">
      {({ isExpanded }) => (
        <>
          <Heading level={3} className="disclosure-head">
            <Button slot="trigger" className="disclosure-button">
              <span aria-hidden="true" className="disclosure-mark" />
              {title}
            </Button>
          </Heading>
          <DisclosurePanel className="disclosure-panel">{isExpanded ? children() : null}</DisclosurePanel>
        </>
      )}
    </AriaDisclosure>
  );
}
