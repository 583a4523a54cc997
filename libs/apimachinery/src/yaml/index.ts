/** YAML that clients send, as JSON: `parseYaml(text).value`. Bounded, and safe against aliases and prototypes. */
export { parseYaml, parseYamlDocuments, type ParsedYaml } from './parse-yaml.js';
