"""Writes the table of docs/results/keras_models.md from the scores of keras_models.py."""

HEAD = """# Keras models in and out

What real Keras saves, brisk reads and predicts; what brisk writes back, that Keras loads and predicts.
`./dev test --oracle keras_models` makes this table (`tests/oracle/keras_models.py --write-results`).
Single layers agree within 1e-5, networks within 1e-4 of the largest value of an output.
"""


def section(version, score, title):
    rows = score["rows"]
    tried = {n: r for n, r in rows.items() if "passed" in r}
    passed = sum(r["passed"] for r in tried.values())
    exported = sum(r.get("export_passed", False) for r in tried.values())
    lines = [f"## {title} of Keras {score['keras']}", "",
             f"{len(tried)} models: {passed} imported alike, {exported} exported alike.", ""]
    failed = {n: r for n, r in tried.items() if not r["passed"] or not r.get("export_passed", False)}
    if failed:
        lines += ["| model | import | export |", "| --- | --- | --- |"]
        for name, row in failed.items():
            there = "alike" if row["passed"] else row.get("reason", "")
            back = "alike" if row.get("export_passed") else row.get("export_reason", "not tried")
            lines.append(f"| {name} | {there} | {back} |".replace("\n", " "))
        lines.append("")
    unable = [n for n, r in rows.items() if "keras" in r]
    if unable:
        lines += [f"This Keras itself could not make: {', '.join(unable)}.", ""]
    lines += ["<details><summary>All models and their largest difference</summary>", "", "| model | difference |", "| --- | --- |"]
    lines += [f"| {n} | {r['error']:.1e} |" for n, r in tried.items() if "error" in r]
    return "\n".join(lines + ["", "</details>", ""])


def write_results(scores, path, applications):
    """Renews the section of each version that was run; keeps the others."""
    title = "Architectures of keras.applications" if applications else "Small models"
    kept = []
    if path.exists():
        parts = path.read_text().split("\n## ")
        renewed = {f"{title} of Keras {s['keras']}" for s in scores.values()}
        kept = ["## " + p.rstrip() + "\n" for p in parts[1:] if p.split("\n", 1)[0] not in renewed]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEAD, *kept, *(section(v, s, title) for v, s in scores.items())]))
