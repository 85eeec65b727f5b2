package main

import "net/http"

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

func listAlbums(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, albums)
}
