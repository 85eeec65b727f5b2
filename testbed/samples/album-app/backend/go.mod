module album-app/backend

go 1.26
