// Passkeys need script; everything else on these pages works without.
"use strict";

if (window.PublicKeyCredential && PublicKeyCredential.parseCreationOptionsFromJSON) {
	for (const form of document.querySelectorAll("form[data-passkey]")) {
		form.hidden = false;
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			const ceremony = form.dataset.passkey === "add" ? add : signIn;
			ceremony(form).catch((error) => {
				const refused = form.querySelector(".refused");
				refused.textContent = error.message;
				refused.hidden = false;
			});
		});
	}
}

async function post(path, body) {
	const response = await fetch(path, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(body),
	});
	const answer = await response.json();
	if (!response.ok) {
		throw new Error(answer.detail || answer.title);
	}
	return answer;
}

async function signIn(form) {
	const asked = await post("/api/v1/session/passkey/begin", {});
	const credential = await navigator.credentials.get({
		publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey),
	});
	await post("/api/v1/session/passkey", credential.toJSON());
	location.assign(form.dataset.next);
}

async function add(form) {
	const asked = await post("/api/v1/account/passkeys/begin", {});
	const credential = await navigator.credentials.create({
		publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked.publicKey),
	});
	await post("/api/v1/account/passkeys", { name: form.elements.name.value, credential: credential.toJSON() });
	location.reload();
}
