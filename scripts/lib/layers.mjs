// Holds the house together: which folder may include which, which file may include which library, which library links
// which, and that every relative link in the documentation leads somewhere.
//
//   node scripts/lib/layers.mjs [ROOT]      prints one line per violation; exit 0 none, 1 some, 3 could not read
//
// The order of the folders is read from gateway/CMakeLists.txt and hooks/CMakeLists.txt, the links from each folder's
// postern_library lines, so that this program knows nothing that the build does not.
import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';

const root = process.argv[2] ?? '.';
const problems = [];
const problem = (file, line, text) => problems.push(`${file}:${line}: ${text}`);
const read = (file) => readFileSync(join(root, file), 'utf8');

function listFiles() {
  const out = execFileSync('git', ['-C', root, 'ls-files', '--cached', '--others', '--exclude-standard'],
                           {encoding: 'utf8', maxBuffer: 1 << 26});
  return [...new Set(out.split('\n'))].filter((file) => file && existsSync(join(root, file)));
}

// Which header belongs to which library, and how a file that includes it must be named.
const kLibraries = [
  [/^nlohmann\//, '_json'], [/^toml\+\+\//, '_toml'], [/^yaml-cpp\//, '_yaml'], [/^CLI\//, '_cli11'],
  [/^microhttpd\.h$/, '_mhd'], [/^curl\//, '_curl'], [/^openssl\//, '_openssl'], [/^git2(\.h|\/)/, '_git2'],
  [/^sqlite3\.h$/, 'sqlite_'], [/^libpq-fe\.h$/, 'postgres_'], [/^zlib\.h$/, '_zlib'], [/^spdlog\//, '_spdlog'],
  [/^gnutls\//, '_gnutls'], [/^prometheus\//, '_prometheus'], [/^(zstd|lzma|bzlib)\.h$/, '_zlib'],
];
const kFree = /^(fmt\/|catch2\/)/;
const kSystem = /^([a-z_0-9]+|(sys|linux|net|netinet|arpa|asm|bits)\/[a-z_0-9]+\.h|[a-z_0-9]+\.h)$/;

function checkSuffix(file, line, header) {
  if (kFree.test(header)) return;
  const library = kLibraries.find(([pattern]) => pattern.test(header));
  if (!library) {
    if (!kSystem.test(header)) problem(file, line, `<${header}> belongs to a library that scripts/lib/layers.mjs does not know: name its suffix there`);
    return;
  }
  const [, mark] = library;
  const stem = file.split('/').at(-1).replace(/\.(cc|h)$/, '');
  if (file.endsWith('.h')) {
    problem(file, line, `<${header}> in a header: keep it in one ${mark.startsWith('_') ? `*${mark}` : `${mark}*`}.cc file`);
  } else if (mark.startsWith('_') ? !stem.endsWith(mark) : !stem.startsWith(mark)) {
    problem(file, line, `<${header}> may only be included by a file named ${mark.startsWith('_') ? `*${mark}` : `${mark}*`}.cc`);
  }
}

// "gateway/net/server_mhd.cc" -> {side: "gateway", folder: "net"}
function placeOf(path) {
  const match = /^(gateway|hooks|schema|tests)\/(?:([^/]+)\/)?/.exec(path);
  return match && {side: match[1], folder: match[2] ?? ''};
}

function folderOrder(side) {
  if (!existsSync(join(root, side, 'CMakeLists.txt'))) return [];
  const match = /foreach\(folder ([^)]*)\)/.exec(read(`${side}/CMakeLists.txt`));
  return match ? match[1].split(/\s+/).filter(Boolean) : [];
}

const kRank = {schema: 0, gateway: 1, hooks: 2, tests: 3};
const order = {gateway: folderOrder('gateway'), hooks: folderOrder('hooks')};

// --- libraries ----------------------------------------------------------------------------------------------------
// name -> {folder: "gateway/net", links: [...], file, line}
function readLibraries(files) {
  const libraries = new Map();
  for (const file of files.filter((name) => /^(gateway|hooks|schema)\/.*CMakeLists\.txt$/.test(name))) {
    const text = read(file).replace(/#.*/g, '');
    for (const match of text.matchAll(/postern_(library|program)\(\s*([A-Za-z0-9_-]+)([^)]*)\)/g)) {
      const words = match[3].split(/\s+/).filter(Boolean);
      const sections = {SOURCES: [], LINKS: [], USES: [], MAIN: []};
      let into = null;
      for (const word of words) {
        if (sections[word]) into = sections[word];
        else into?.push(word);
      }
      const line = text.slice(0, match.index).split('\n').length;
      libraries.set(match[2], {
        folder: dirname(file), program: match[1] === 'program', links: sections.LINKS.filter((name) => name.startsWith('postern')),
        sources: [...sections.SOURCES, ...sections.MAIN].map((name) => normalize(join(dirname(file), name))), file, line,
      });
    }
  }
  return libraries;
}

function checkLinks(libraries) {
  for (const [name, library] of libraries) {
    for (const link of library.links) {
      const target = libraries.get(link);
      if (!target) {
        if (!['postern_flags', 'postern_catch2'].includes(link)) problem(library.file, library.line, `${name} links ${link}, which no CMakeLists.txt declares`);
        continue;
      }
      checkArrow(library.file, library.line, placeOf(`${library.folder}/`), placeOf(`${target.folder}/`), `${name} links ${link}`);
    }
  }
}

function checkArrow(file, line, from, to, what) {
  if (!from || !to) return;
  if (kRank[to.side] > kRank[from.side]) {
    problem(file, line, `${what}: arrows run hooks -> gateway -> schema, never back`);
  } else if (to.side === from.side && from.side in order) {
    const i = order[from.side].indexOf(from.folder);
    const j = order[from.side].indexOf(to.folder);
    if (i >= 0 && j > i) {
      problem(file, line, `${what}: ${to.folder} comes after ${from.folder} in ${from.side}/CMakeLists.txt`);
    }
  }
}

// --- go -----------------------------------------------------------------------------------------------------------
try {
  const files = listFiles();
  const libraries = readLibraries(files);
  checkLinks(libraries);

  for (const file of files.filter((name) => /^(gateway|hooks|schema|tests)\/.*\.(cc|h)$/.test(name))) {
    const from = placeOf(file);
    const lines = read(file).split('\n');
    lines.forEach((text, index) => {
      const include = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(text);
      if (!include) return;
      const [, kind, header] = include;
      if (kind === '<') {
        if (from.side !== 'tests') checkSuffix(file, index + 1, header);
        return;
      }
      if (header.endsWith('.inc')) return;  // made by the build
      if (!existsSync(join(root, header))) {
        problem(file, index + 1, `"${header}": no such file (paths are given from the top of the tree)`);
        return;
      }
      const to = placeOf(header);
      if (!to || from.side === 'tests') return;
      checkArrow(file, index + 1, from, to, `"${header}"`);
    });
  }

  for (const file of files.filter((name) => name.endsWith('.md'))) {
    read(file).split('\n').forEach((text, index) => {
      for (const match of text.matchAll(/\]\(([^)\s#]+)(#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(match[1])) continue;
        if (!existsSync(join(root, dirname(file), match[1]))) problem(file, index + 1, `link to ${match[1]}, which is not there`);
      }
    });
  }
} catch (error) {
  console.error(`layers: ${error.message}`);
  process.exit(3);
}
for (const text of problems) console.log(text);
process.exit(problems.length > 0 ? 1 : 0);
