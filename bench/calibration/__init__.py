"""How far confidence can be trusted: fitted on labelled incidents, measured on systems that the fit never saw."""
