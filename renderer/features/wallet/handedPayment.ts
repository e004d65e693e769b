/** A payment that something outside the wallet asks for: it waits for the person in the form, and is never sent by itself. */
import { create } from "zustand";

/** `to`: an address or an account request. */
export const useHandedPayment = create<{ readonly to: string | null }>(() => ({ to: null }));

export const handPayment = (to: string): void => useHandedPayment.setState({ to });

export const forgetPayment = (): void => useHandedPayment.setState({ to: null });
