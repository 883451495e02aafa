"""Azure Policy definitions in and out: JSON comes in, rules with `semantics: azure` come out, and the other way round."""
