/** What a person enters or chooses. */
import type { ReactNode } from "react";
import {
  Button as AriaButton,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  RadioButton,
  RadioField,
  RadioGroup,
  Select as AriaSelect,
  SelectValue,
  SwitchButton,
  SwitchField,
  Text,
  TextArea,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from "react-aria-components";

import "./ui.css";

export interface TextFieldProps extends Omit<AriaTextFieldProps, "className" | "style" | "children"> {
  readonly label: string;
  readonly hint?: ReactNode;
  /** Shown when set, and read aloud. */
  readonly error?: string | undefined;
  /** Lines of text instead of one. */
  readonly rows?: number;
  readonly placeholder?: string;
  readonly isMono?: boolean;
}

export function TextField({ label, hint, error, rows, placeholder, isMono = false, ...props }: TextFieldProps) {
  const look = `input${isMono ? " mono" : ""}`;
  const shown = placeholder === undefined ? {} : { placeholder };
  return (
    <AriaTextField {...props} className="field" isInvalid={error !== undefined}>
      <Label>{label}</Label>
      {rows === undefined ? (
        <Input className={look} {...shown} />
      ) : (
        <TextArea className={look} rows={rows} {...shown} />
      )}
      {hint !== undefined && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </AriaTextField>
  );
}

export interface SwitchProps {
  readonly children: ReactNode;
  readonly hint?: ReactNode;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
  readonly isDisabled?: boolean;
}

export function Switch({ children, hint, isSelected, onChange, isDisabled = false }: SwitchProps) {
  return (
    <SwitchField className="switch-field" isSelected={isSelected} onChange={onChange} isDisabled={isDisabled}>
      <SwitchButton className="switch">
        <span className="switch-text">{children}</span>
        <span className="switch-track" aria-hidden="true">
          <span className="switch-thumb" />
        </span>
      </SwitchButton>
      {hint !== undefined && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
    </SwitchField>
  );
}

export interface Choice<K extends string> {
  readonly id: K;
  readonly name: string;
  readonly hint?: string;
}

export interface ChoiceProps<K extends string> {
  readonly label: string;
  readonly choices: readonly Choice<K>[];
  readonly value: K | null;
  readonly onChange: (value: K) => void;
  readonly isDisabled?: boolean;
  readonly hint?: ReactNode;
}

export function Select<K extends string>({
  label,
  choices,
  value,
  onChange,
  isDisabled = false,
  hint,
}: ChoiceProps<K>) {
  return (
    <AriaSelect
      className="field"
      value={value}
      onChange={(key) => {
        if (key !== null) onChange(key as K);
      }}
      isDisabled={isDisabled}
    >
      <Label>{label}</Label>
      <AriaButton className="input select-button">
        <SelectValue />
        <span aria-hidden="true" className="select-mark" />
      </AriaButton>
      {hint !== undefined && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <Popover className="popover">
        <ListBox className="options">
          {choices.map(({ id, name, hint: about }) => (
            <ListBoxItem key={id} id={id} textValue={name} className="option">
              <Text slot="label">{name}</Text>
              {about !== undefined && (
                <Text slot="description" className="hint">
                  {about}
                </Text>
              )}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

/** A few choices that are all seen at once. */
export function Segments<K extends string>({ label, choices, value, onChange, isDisabled = false }: ChoiceProps<K>) {
  return (
    <RadioGroup
      className="segments-group"
      value={value}
      onChange={(key) => onChange(key as K)}
      isDisabled={isDisabled}
      orientation="horizontal"
    >
      <Label>{label}</Label>
      <div className="segments">
        {choices.map(({ id, name }) => (
          <RadioField key={id} value={id}>
            <RadioButton className="segment">{name}</RadioButton>
          </RadioField>
        ))}
      </div>
    </RadioGroup>
  );
}
