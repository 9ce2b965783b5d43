// Light, dark or as the system says; remembered here. Not a module, so that it runs before the first paint.
(() => {
  const CHOICES = { auto: ["◐", "Auto"], light: ["☀", "Light"], dark: ["☾", "Dark"] };
  const names = Object.keys(CHOICES);
  let choice = "auto";
  // A browser may refuse storage; then the choice lasts as long as the page.
  try { choice = localStorage.getItem("theme") ?? "auto"; } catch { }
  const apply = () => {
    if (!(choice in CHOICES)) choice = "auto";
    document.documentElement.dataset.theme = choice;
  };
  apply();
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("#theme");
    const [sign, word] = button.children;
    const label = () => {
      [sign.textContent, word.textContent] = CHOICES[choice];
      button.setAttribute("aria-label", `Theme: ${choice}`);
    };
    label();
    button.addEventListener("click", () => {
      choice = names[(names.indexOf(choice) + 1) % names.length];
      try { localStorage.setItem("theme", choice); } catch { }
      apply();
      label();
    });
  });
})();
