"""Diffs as people write them, one a kind of edit, and the symptoms that the harmful ones cause."""

from __future__ import annotations

POOL = """@@ services/stock/db.go: func open() {
-	db.SetMaxOpenConns(50)
+	db.SetMaxOpenConns(10)
"""
LIMIT = """--- a/search/query.py
+++ b/search/query.py
@@ -1,2 +1,1 @@ def find(tenant):
-    return "SELECT id FROM events WHERE tenant = ? ORDER BY score"
-           " LIMIT 50"
+    return "SELECT id FROM events WHERE tenant = ? ORDER BY score DESC"
"""
GUARD = """@@ pay/charge.go @@
-	if card == nil {
-		return ErrNoCard
-	}
"""
CALL = """@@ agent/boot.ts @@
   const registry = new Registry();
-  seedBuiltins(registry);
   return registry;
"""
QUERY = """@@ orders/lines.py @@
+    for line in cart:
+        item = self.catalogue.fetch_item(line.sku)
"""
RENAMED = """@@ index/mapping.go @@
-		"title":       map[string]any{"type": "text"},
+		"name":        map[string]any{"type": "text"},
"""
CONFIG = """@@ agent/config.yaml @@
 logging:
-  level: info
+  level: debug
"""
REFACTORED = """@@ geo/validate.go @@
-	if r.Lat < -90 || r.Lat > 90 {
-		return errOutOfRange("lat", r.Lat)
-	}
+	if err := checkRange("lat", r.Lat, -90, 90); err != nil {
+		return err
+	}
"""
HELPER = """@@ shop/handler.go @@
-	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
-		http.Error(w, err.Error(), 400)
-		return
-	}
+	req, err := decodeRequest(r)
+	if err != nil {
+		writeError(w, http.StatusBadRequest, err)
+		return
+	}
"""
LOGGED = """@@ shop/log.go @@
-	log.Printf("received %d records", n)
+	logger.Debug("received", "count", n)
"""
TYPO = """@@ pkg/messages.go @@
-	ErrGone = "resouce is gone"
+	ErrGone = "resource is gone"
"""
RELEASE = """@@ pkg/version.go @@
-const Version = "v1.4.2"
+const Version = "v1.5.0"
"""
CHECKED = """@@ pkg/pages.go @@
+	if len(items) == 0 {
+		return nil
+	}
"""
PATCH = """@@ go.mod @@
-	example.org/geo v1.12.3
+	example.org/geo v1.12.4
"""
MAJOR = """@@ go.mod @@
-	example.org/protobuf v3.20.1
+	example.org/protobuf v4.21.0
"""
STYLE = """@@ web/shop.css @@
-.cart { padding: 8px; }
+.cart { padding: 12px; }
"""
