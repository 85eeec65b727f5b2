async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function show(albums) {
  const items = albums.map(({ title, artist, year }) => {
    const item = document.createElement("li");
    item.textContent = `${title} · ${artist}, ${year}`;
    return item;
  });
  document.getElementById("albums").replaceChildren(...items);
}

async function showVersion(app, path) {
  document.getElementById(`${app}-version`).textContent = (await get(path)).version;
}

function complain(error) {
  const trouble = document.getElementById("trouble");
  trouble.textContent = `The albums cannot be had: ${error.message}`;
  trouble.hidden = false;
}

showVersion("frontend", "version").catch(complain);
showVersion("backend", "api/version").catch(complain);
function search(artist) {
  get(`api/albums?${new URLSearchParams({ artist })}`).then(show).catch(complain);
}

document.getElementById("artist").addEventListener("input", (event) => search(event.target.value));
search("");
