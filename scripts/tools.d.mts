export interface OptionalTool {
  readonly tool: string;
  readonly leavesOut: string;
  readonly how: string;
}
export function missingTools(): readonly OptionalTool[];
export function installClients(): void;
export function onPath(tool: string): boolean;
