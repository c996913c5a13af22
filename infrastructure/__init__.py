"""Everything that runs around Quell: containers, rules, collectors, dashboards. Data only, nothing here is imported."""
