/** A host that keeps its computer awake, to be killed: `node holding.fixture.ts COMMAND…`; prints what it got. */
import { keepAwake } from "./keepAwake.ts";

const [program, ...args] = process.argv.slice(2);
const awake = await keepAwake({ program: program!, args });
console.log(JSON.stringify(awake.isHeld));
process.stdin.resume();
