"""One result model → text, JSON, YAML, Markdown, SARIF, JUnit, GitHub and GitLab annotations."""
