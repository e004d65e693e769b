/** For electron-builder: nothing is installed or compiled anew, the program's folder holds all that it needs. */
export default () => false;
