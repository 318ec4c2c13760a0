//! Feature scaling for clustering: log1p and standard scores, with their inverse.
