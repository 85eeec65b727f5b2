package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func get(t *testing.T, path string, into any) int {
	t.Helper()
	recorder := httptest.NewRecorder()
	routes().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	if into != nil {
		if err := json.Unmarshal(recorder.Body.Bytes(), into); err != nil {
			t.Fatalf("GET %s: %v", path, err)
		}
	}
	return recorder.Code
}

func TestAlbumsAreListed(t *testing.T) {
	var listed []Album
	if code := get(t, "/albums", &listed); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	if len(listed) != len(albums) {
		t.Errorf("%d of %d albums listed", len(listed), len(albums))
	}
}

func TestVersionIsTheLinkedOne(t *testing.T) {
	var answer map[string]string
	get(t, "/version", &answer)
	if answer["version"] != version {
		t.Errorf("version %q, linked %q", answer["version"], version)
	}
}

func TestHealthIsAnswered(t *testing.T) {
	if code := get(t, "/healthz", nil); code != http.StatusNoContent {
		t.Errorf("status %d", code)
	}
}
