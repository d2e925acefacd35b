/** `<labels>`: words about this manager that its own alerts carry (wazuh v4.14.7: src/config/labels-config.c). */
import { attribute, requiredAttribute, withAttributes } from "#config/attributes.ts";
import { checkedGroup, listOption } from "#config/option.ts";
import { anyText, someText, withError, yesNo } from "#config/text-kinds.ts";

export type Label = {
  /** May hold dots: `a.b` is the member `b` of `a`. */
  readonly key: string;
  readonly value: string;
  /** Not shown in alerts unless `analysisd.show_hidden_labels` says so. */
  readonly hidden: boolean;
};

const EMPTY_KEY = "Label with empty key.";

const label = withAttributes(
  anyText,
  {
    key: requiredAttribute({
      name: "key",
      doc: "Name of the label.",
      kind: withError(someText, () => EMPTY_KEY),
      missing: EMPTY_KEY,
    }),
    hidden: attribute({ name: "hidden", doc: "Keep it out of alerts.", kind: yesNo, fallback: false }),
  },
  (value, { key, hidden }): Label => ({ key, value, hidden }),
);

export const labelsSection = checkedGroup(
  {
    element: "labels",
    doc: "Labels of this manager in its alerts.",
    fields: {
      labels: listOption({
        element: "label",
        doc: "One label; a later one of the same key replaces it.",
        kind: label,
      }),
    },
  },
  ({ labels }, at, report): readonly Label[] => {
    const byKey = new Map<string, Label>();
    for (const written of labels) {
      if (written.key.startsWith("_") && at !== null) {
        report.warning(at.position, `Label '${written.key}' is left out: keys starting with _ are reserved`);
      } else {
        byKey.set(written.key, written);
      }
    }
    return [...byKey.values()];
  },
);
