import { Component, type ReactNode } from "react";

interface Props {
  readonly children: ReactNode;
  /** What stands there instead; `again` draws the children anew. */
  readonly instead: (again: () => void) => ReactNode;
}

/** What fails inside takes nothing around it along. */
export class ErrorBoundary extends Component<Props, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    if (this.state.hasFailed) return this.props.instead(() => this.setState({ hasFailed: false }));
    return this.props.children;
  }
}
