"use strict";
// Everything works without this. It adds: the viewer's zone, one click for one act, and focus on what went wrong.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) document.cookie = `appraise_zone=${zone}; path=/; max-age=31536000; samesite=lax`;

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (!("download" in form.dataset)) form.dataset.sent = "yes";
  });
  // Coming back by the back button, a form can be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  const problem = document.querySelector("[role=alert]");
  if (problem) problem.focus();

  let typed = false;
  document.addEventListener("input", (event) => { if (event.target.matches("textarea")) typed = true; });
  document.addEventListener("submit", () => { typed = false; });
  window.addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });

  // Keys of a page: an element with data-key is followed, pressed or, where it takes text, gone to. They can be put off.
  const keyed = document.querySelectorAll("[data-key]");
  const choice = document.querySelector("[data-keys-on]");
  if (keyed.length && choice) {
    choice.closest("[hidden]").hidden = false;
    choice.checked = localStorage.getItem("appraise-keys") !== "off";
    choice.addEventListener("change", () => localStorage.setItem("appraise-keys", choice.checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => {
      if (!choice.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
      const wanted = [...keyed].find((element) => element.dataset.key === event.key.toLowerCase());
      if (!wanted) return;
      event.preventDefault();
      if (wanted.matches("textarea")) wanted.focus();
      else if (wanted.form && !wanted.form.checkValidity()) wanted.form.querySelector(":invalid:not(fieldset)").focus();
      else wanted.click();
    });
  }

  // The scoring sheet: slider and figure go together, and the total follows what is typed before it is saved.
  const state = document.querySelector("[data-saved]");
  for (const form of document.querySelectorAll("form[data-preview]")) {
    const slider = form.querySelector("[name=slider]");
    const figure = form.querySelector("[name=amount]");
    const total = form.querySelector("[data-total]");
    let waiting, asked;
    const ask = async () => {
      asked?.abort();
      asked = new AbortController();
      try {
        const fields = new FormData(form);
        fields.delete("file");
        const said = { method: "POST", body: new URLSearchParams(fields), headers: { "x-part": "total" }, signal: asked.signal };
        const answer = await fetch(form.dataset.preview, said);
        if (answer.headers.get("content-type")?.startsWith("text/html") && !answer.redirected) total.innerHTML = await answer.text();
      } catch (error) {
        if (error.name !== "AbortError") total.textContent = "";
      }
    };
    form.addEventListener("input", (event) => {
      if (event.target === slider) figure.value = slider.value;
      else if (event.target === figure && figure.value) slider.value = figure.value;
      if (state) state.textContent = state.dataset.unsaved;
      clearTimeout(waiting);
      waiting = setTimeout(ask, 300);
    });
  }
})();
