"use strict";
// Tabler's dark colours hang on an attribute; without this script app.css darkens what matters.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const set = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  set();
  dark.addEventListener("change", set);
})();
