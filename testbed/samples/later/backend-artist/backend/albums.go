package main

import (
	"net/http"
	"strings"
)

// Album is one record of the shelf.
type Album struct {
	Title  string `json:"title"`
	Artist string `json:"artist"`
	Year   int    `json:"year"`
}

var albums = []Album{
	{"Kind of Blue", "Miles Davis", 1959},
	{"Pet Sounds", "The Beach Boys", 1966},
	{"Blue", "Joni Mitchell", 1971},
	{"Autobahn", "Kraftwerk", 1974},
	{"Remain in Light", "Talking Heads", 1980},
	{"Graceland", "Paul Simon", 1986},
	{"Dummy", "Portishead", 1994},
	{"Kid A", "Radiohead", 2000},
}

// listAlbums answers with all albums, or those whose artist's name contains ?artist=.
func listAlbums(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, byArtist(r.URL.Query().Get("artist")))
}

func byArtist(part string) []Album {
	found := []Album{}
	for _, album := range albums {
		if strings.Contains(strings.ToLower(album.Artist), strings.ToLower(part)) {
			found = append(found, album)
		}
	}
	return found
}
