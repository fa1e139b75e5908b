// An OpenID Connect provider for a test, at a free port of this machine, which
// is printed once it answers. Who signs in is called as they type, and is what
// the test last said of them: PUT /people/NAME with a list of roles.
// Usage: node provider.mjs MODULES CLIENT SECRET REDIRECT
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [modules, client, secret, redirect] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const people = new Map();
const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
	clients: [{ client_id: client, client_secret: secret, redirect_uris: [redirect] }],
	pkce: { required: () => true },
	claims: { openid: ["sub"], profile: ["preferred_username", "name", "realm_access"], email: ["email", "email_verified"] },
	// Whether the ID token has the claims, or only the userinfo endpoint.
	conformIdTokenClaims: process.env.CLAIMS_AT_USERINFO === "1",
	findAccount: (_, id) => ({
		accountId: id,
		claims: () => ({
			sub: id, preferred_username: id, name: `${id} of the provider`,
			email: `${id}@provider.example`, email_verified: true,
			realm_access: { roles: people.get(id) ?? [] },
		}),
	}),
	cookies: { keys: ["only for tests"] },
});

const answer = provider.callback();
server.on("request", (request, response) => {
	const name = request.url.match(/^\/people\/(\w+)$/);
	if (request.method !== "PUT" || !name) {
		return answer(request, response);
	}
	let body = "";
	request.on("data", (piece) => (body += piece));
	request.on("end", () => {
		people.set(name[1], JSON.parse(body));
		response.end();
	});
});
process.stdin.resume().on("end", () => process.exit()); // the test is gone
console.log(issuer);
