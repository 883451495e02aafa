"""From text to rules: YAML files come in, rules, packs and profiles as values come out."""
