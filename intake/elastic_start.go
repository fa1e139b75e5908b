package intake

import (
	"net/http"
	"path"
)

// What shippers ask before they send: which version this is, whether it has
// what they would set up (it has: nothing needs to be), and where its nodes are.
// Nothing that they set up is kept.

// clusterID is constant: shippers warn when it changes.
const clusterID = "tocsin-node-intake-0000"

func (in *Intake) elasticRoot(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"name": "tocsin", "cluster_name": "tocsin", "cluster_uuid": clusterID, "tagline": "You Know, for Search",
		"version": map[string]any{
			"number": in.config.ElasticVersion, "build_flavor": "default", "build_type": "tar", "build_snapshot": false,
			"minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
		},
	})
}

func (in *Intake) elasticLicense(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"license": map[string]any{"status": "active", "uid": clusterID, "type": "basic", "mode": "basic"}})
}

func (in *Intake) elasticXPack(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"license":  map[string]any{"uid": clusterID, "type": "basic", "mode": "basic", "status": "active"},
		"features": map[string]any{"ilm": map[string]any{"available": true, "enabled": true}},
	})
}

func (in *Intake) elasticHealth(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"cluster_name": "tocsin", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
	})
}

// elasticNodes answers who looks for the nodes of a cluster: there is one,
// under the address by which it was reached.
func (in *Intake) elasticNodes(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"cluster_name": "tocsin",
		"nodes": map[string]any{"tocsin": map[string]any{
			"name": "tocsin", "version": in.config.ElasticVersion, "roles": []string{"data", "ingest"},
			"http":   map[string]any{"publish_address": r.Host},
			"ingest": map[string]any{"processors": []any{}},
		}},
	})
}

func (in *Intake) elasticDataStream(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	writeJSON(w, http.StatusOK, map[string]any{"data_streams": []any{map[string]any{
		"name": name, "timestamp_field": map[string]any{"name": "@timestamp"}, "status": "GREEN", "template": name,
	}}})
}

func (in *Intake) elasticIndexTemplate(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"index_templates": []any{map[string]any{
		"name": path.Base(r.URL.Path), "index_template": map[string]any{"index_patterns": []any{}, "data_stream": map[string]any{}},
	}}})
}

func (in *Intake) elasticComponentTemplate(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"component_templates": []any{map[string]any{
		"name": path.Base(r.URL.Path), "component_template": map[string]any{},
	}}})
}

// elasticNamed answers that what the path names is there.
func (in *Intake) elasticNamed(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{path.Base(r.URL.Path): map[string]any{}})
}

// elasticIndex answers that an index is there, or was made.
func (in *Intake) elasticIndex(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"acknowledged": true, "shards_acknowledged": true, "index": path.Base(r.URL.Path)})
}

// acknowledged says that something was set up.
func acknowledged(_ *Intake, w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"acknowledged": true})
	return nil
}

func answerJSON(text string) func(*Intake, http.ResponseWriter, *http.Request) error {
	return func(_ *Intake, w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		_, err := w.Write([]byte(text))
		return err
	}
}
