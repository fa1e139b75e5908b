// Drives a browser through the pages of signing in, with an authenticator that
// the browser itself simulates.
// Usage: node passkey.mjs MODULES CHROMIUM LINK PASSWORD
import { pathToFileURL } from "node:url";

const [modules, chromium, link, password] = process.argv.slice(2);
const { chromium: driver } = (await import(pathToFileURL(`${modules}/playwright-core/index.js`))).default;

const browser = await driver.launch({
	executablePath: chromium,
	args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage();
const complaints = [];
page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
page.on("pageerror", (error) => complaints.push(String(error)));
page.setDefaultTimeout(20_000);

const devtools = await page.context().newCDPSession(page);
await devtools.send("WebAuthn.enable");
const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
	options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});
const credentials = async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;

const step = (name, value) => console.log(JSON.stringify({ step: name, value }));
try {
	await page.goto(link);
	await page.fill("input[name=name]", "root");
	await page.fill("input[name=password]", password);
	await page.fill("input[name=again]", password);
	await page.click("button");
	await page.waitForURL("**/account");

	await page.fill("form[data-passkey=add] input[name=name]", "this laptop");
	await page.click("form[data-passkey=add] button");
	await page.waitForSelector("text=this laptop, added");
	const kept = await credentials();
	step("added", { count: kept.length, resident: kept[0].isResidentCredential, party: kept[0].rpId });

	const signOut = async () => {
		await page.click("form[action='/sign-out'] button");
		await page.waitForURL("**/sign-in*");
	};
	await signOut();
	await page.click("form[data-passkey=sign-in] button");
	await page.waitForURL("**/account");
	step("signed in", await page.textContent("main p strong"));

	// A copy of the key, made before, has counted fewer uses.
	await devtools.send("WebAuthn.clearCredentials", { authenticatorId });
	await devtools.send("WebAuthn.addCredential", { authenticatorId, credential: { ...kept[0], signCount: 0 } });
	await signOut();
	const refused = async () => {
		await page.click("form[data-passkey=sign-in] button");
		const said = page.locator("form[data-passkey=sign-in] .refused");
		await said.waitFor();
		return said.textContent();
	};
	step("copied", await refused());

	// One that was removed is of no use.
	await page.fill("input[name=name]", "root");
	await page.fill("input[name=password]", password);
	await page.click("form[action='/sign-in'] button");
	await page.waitForURL("**/account");
	await page.click("form[action*='/remove'] button");
	await page.waitForSelector("text=none");
	await signOut();
	await page.reload();
	step("removed", await refused());
	step("complaints", complaints.filter((text) => !text.includes("403")));
} catch (error) {
	step("failed", { error: String(error), at: page.url(), shown: await page.textContent("body"), complaints });
}
await browser.close();
