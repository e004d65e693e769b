import { Label, RadioButton, RadioField, RadioGroup, Text } from "react-aria-components";

import type { ChoiceProps } from "../../ui/fields.tsx";

/** A few choices one below the other, each with what it means. */
export function Choices<K extends string>({ label, choices, value, onChange, isDisabled = false }: ChoiceProps<K>) {
  return (
    <RadioGroup
      className="settings-choices"
      value={value}
      isDisabled={isDisabled}
      onChange={(id) => {
        const chosen = choices.find((choice) => choice.id === id);
        if (chosen !== undefined) onChange(chosen.id);
      }}
    >
      <Label>{label}</Label>
      {choices.map(({ id, name, hint }) => (
        <RadioField key={id} value={id}>
          <RadioButton className="settings-choice">
            <span aria-hidden="true" className="settings-choice-dot" />
            <span>{name}</span>
          </RadioButton>
          {hint !== undefined && (
            <Text slot="description" className="hint settings-choice-hint">
              {hint}
            </Text>
          )}
        </RadioField>
      ))}
    </RadioGroup>
  );
}
