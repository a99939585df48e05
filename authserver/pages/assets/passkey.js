// Lets forms use passkeys (Web Authentication Level 3). A form that has the options
// in its attribute data-passkey-get or data-passkey-create shows its button, asks
// the browser, puts the answer into its field passkey and is sent. What is in
// data-passkey-error is shown when that fails.
(function () {
  "use strict";

  if (!window.PublicKeyCredential || !navigator.credentials) {
    return;
  }

  // The offer in the list of usernames, which any other question has to end first.
  var offer = null;

  function decode(text) {
    var binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, function (c) { return c.charCodeAt(0); });
  }

  function encode(buffer) {
    var binary = "";
    new Uint8Array(buffer).forEach(function (b) { binary += String.fromCharCode(b); });
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function decodeIDs(list) {
    return (list || []).map(function (c) { return Object.assign({}, c, { id: decode(c.id) }); });
  }

  function read(json) {
    var options = JSON.parse(json);
    options.challenge = decode(options.challenge);
    if (options.user) {
      options.user.id = decode(options.user.id);
      options.excludeCredentials = decodeIDs(options.excludeCredentials);
    } else {
      options.allowCredentials = decodeIDs(options.allowCredentials);
    }
    return options;
  }

  function write(credential) {
    var from = credential.response;
    var response = { clientDataJSON: encode(from.clientDataJSON) };
    if (from.attestationObject) {
      response.attestationObject = encode(from.attestationObject);
      response.transports = from.getTransports ? from.getTransports() : [];
    } else {
      response.authenticatorData = encode(from.authenticatorData);
      response.signature = encode(from.signature);
      if (from.userHandle && from.userHandle.byteLength > 0) {
        response.userHandle = encode(from.userHandle);
      }
    }
    return JSON.stringify({ id: encode(credential.rawId), type: credential.type, response: response });
  }

  function send(form, credential) {
    form.elements.passkey.value = write(credential);
    HTMLFormElement.prototype.submit.call(form);
  }

  function show(form, text) {
    var place = form.querySelector("[data-passkey-message]");
    if (!place) {
      place = document.createElement("p");
      place.setAttribute("data-passkey-message", "");
      place.setAttribute("role", "alert");
      place.className = "bad";
      form.insertBefore(place, form.firstChild);
    }
    place.textContent = text;
    place.hidden = text === "";
  }

  function wire(form) {
    var button = form.querySelector("button");
    var creates = form.hasAttribute("data-passkey-create");
    var json = form.getAttribute(creates ? "data-passkey-create" : "data-passkey-get");
    var busy = false;

    form.addEventListener("submit", function (event) {
      event.preventDefault();
      if (busy) {
        return;
      }
      busy = true;
      show(form, "");
      if (offer) {
        offer.abort();
        offer = null;
      }
      Promise.resolve().then(function () {
        var options = { publicKey: read(json) };
        return creates ? navigator.credentials.create(options) : navigator.credentials.get(options);
      }).then(function (credential) {
        send(form, credential);
      }).catch(function () {
        busy = false;
        show(form, form.getAttribute("data-passkey-error") || "");
      });
    });
    // Back from the next page, with all as it was left.
    window.addEventListener("pageshow", function () { busy = false; });
    button.hidden = false;
  }

  // Browsers that can offer passkeys where a username is typed.
  function offerOn(form) {
    if (!document.querySelector('input[autocomplete~="webauthn"]') ||
      !window.AbortController || !PublicKeyCredential.isConditionalMediationAvailable) {
      return;
    }
    PublicKeyCredential.isConditionalMediationAvailable().then(function (can) {
      if (!can) {
        return null;
      }
      offer = new AbortController();
      return navigator.credentials.get({
        publicKey: read(form.getAttribute("data-passkey-get")), mediation: "conditional", signal: offer.signal
      });
    }).then(function (credential) {
      if (credential) {
        send(form, credential);
      }
    }).catch(function () {
      // Nobody has asked for anything: there is nothing to tell.
    });
  }

  document.querySelectorAll("form[data-passkey-get], form[data-passkey-create]").forEach(function (form) {
    wire(form);
    if (form.hasAttribute("data-passkey-get")) {
      offerOn(form);
    }
  });
})();
