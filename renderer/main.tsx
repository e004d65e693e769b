/** Where the page starts: the languages, the views, a session with the host, then its picture. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createClient, type ClientOptions } from "../main/api/client.ts";
import { App } from "./App.tsx";
import { startLanguages } from "./languages/languages.ts";
import { openSession } from "./session.ts";
import { setApi } from "./store/api.ts";
import { keepConnected } from "./store/connection.ts";
import { hostStore } from "./store/hostStore.ts";
import "./ui/theme.css";

const RETRY_MS = 1_000;

startLanguages();
createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
const client = createClient(await untilOpen());
setApi(client);
keepConnected(client);

/** A host that has just been stopped may be back in a moment. */
async function untilOpen(): Promise<ClientOptions> {
  for (;;) {
    try {
      return await openSession((reason) => hostStore.end(reason));
    } catch (error) {
      console.error(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
